# Helpers that turn records into something to read.

# The names of records, one on each line.
export def names []: list<any> -> string {
    get name | str join (char newline)
}

# A Markdown table of records.
export def markdown []: list<any> -> string {
    to md --pretty
}

# How many records there are of each value of a column.
export def count-by [column: string]: list<any> -> record {
    let rows = $in
    $rows | get $column | uniq --count | reduce --fold {} {|row, counts|
        $counts | insert ($row.value | into string) $row.count
    }
}
