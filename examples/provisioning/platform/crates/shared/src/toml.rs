//! A parser for the part of TOML the platform uses: tables, strings, integers, booleans,
//! arrays of these, and comments. Everything else is refused with the line number.

use std::fmt;

/// A value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Str(String),
    /// A whole number.
    Int(i64),
    /// true or false.
    Bool(bool),
    /// An array of scalars.
    List(Vec<Value>),
}

/// One setting of a document, with its full dotted key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key with the names of its tables, as in `defaults.plan`.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The line the setting starts on, from 1.
    pub line: usize,
}

/// A parsed document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The settings, in the order of the file.
    pub entries: Vec<Entry>,
}

/// What is wrong with a document, and where.
#[derive(Debug, PartialEq)]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// The reason.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl Document {
    /// Parses a text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut parser = Parser { rest: text, line: 1, document: Self::default(), tables: vec![] };
        match parser.document() {
            Ok(()) => Ok(parser.document),
            Err(message) => Err(Error { line: parser.line, message }),
        }
    }

    /// The value of a dotted key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The string of a key; empty when it is not set.
    pub fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Value::Str(text)) => text,
            _ => "",
        }
    }

    /// The strings of an array; empty when it is not set.
    pub fn list(&self, key: &str) -> Vec<String> {
        let Some(Value::List(items)) = self.get(key) else { return Vec::new() };
        let text = |item: &Value| match item {
            Value::Str(text) => Some(text.clone()),
            _ => None,
        };
        items.iter().filter_map(text).collect()
    }
}

struct Parser<'a> {
    rest: &'a str,
    line: usize,
    document: Document,
    tables: Vec<String>,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), String> {
        let mut table = String::new();
        loop {
            self.skip_lines();
            match self.peek() {
                None => return Ok(()),
                Some('[') => table = self.table()?,
                Some(_) => self.entry(&table)?,
            }
            self.end_of_line()?;
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> Result<(), String> {
        match self.peek() {
            Some(c) if c == wanted => self.next().map(|_| ()).ok_or_else(String::new),
            Some('\n' | '\r') => Err(format!("expected '{wanted}' before the end of the line")),
            Some(c) => Err(format!("expected '{wanted}', found '{c}'")),
            None => Err(format!("expected '{wanted}' before the end of the file")),
        }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn skip_comment(&mut self) {
        self.skip_blanks();
        if self.rest.starts_with('#') {
            self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
        }
    }

    /// Skips blanks, comments and ends of lines.
    fn skip_lines(&mut self) {
        loop {
            self.skip_comment();
            match self.peek() {
                Some('\n' | '\r') => self.next(),
                _ => return,
            };
        }
    }

    fn end_of_line(&mut self) -> Result<(), String> {
        self.skip_comment();
        match self.peek() {
            None | Some('\n' | '\r') => Ok(()),
            Some(c) => Err(format!("unexpected '{c}' after the value")),
        }
    }

    fn table(&mut self) -> Result<String, String> {
        self.eat('[')?;
        if self.peek() == Some('[') {
            return Err("arrays of tables are not supported".into());
        }
        let name = self.key()?;
        self.eat(']')?;
        if self.tables.contains(&name) {
            return Err(format!("table [{name}] is defined twice"));
        }
        self.check_free(&name, false)?;
        self.tables.push(name.clone());
        Ok(name)
    }

    fn entry(&mut self, table: &str) -> Result<(), String> {
        let line = self.line;
        let name = self.key()?;
        let key = if table.is_empty() { name } else { format!("{table}.{name}") };
        self.eat('=')?;
        self.check_free(&key, true)?;
        let value = self.value()?;
        self.document.entries.push(Entry { key, value, line });
        Ok(())
    }

    /// Refuses a key that is set already, or is both a value and a table.
    fn check_free(&self, key: &str, is_value: bool) -> Result<(), String> {
        let inside = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
        };
        for entry in &self.document.entries {
            if entry.key == key || inside(key, &entry.key) {
                return Err(format!("'{key}' clashes with '{}' of line {}", entry.key, entry.line));
            }
        }
        let mut keys = self.document.entries.iter().map(|entry| &entry.key).chain(&self.tables);
        if is_value && keys.any(|other| other == key || inside(other, key)) {
            return Err(format!("'{key}' is used as a table as well"));
        }
        Ok(())
    }

    fn key(&mut self) -> Result<String, String> {
        let mut key = String::new();
        loop {
            self.skip_blanks();
            let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-');
            let length = self.rest.find(ends).unwrap_or(self.rest.len());
            if length == 0 {
                return Err(match self.peek() {
                    Some('"' | '\'') => "quoted keys are not supported".into(),
                    Some(c) if c >= ' ' => format!("expected a key, found '{c}'"),
                    _ => "expected a key".into(),
                });
            }
            key.push_str(&self.rest[..length]);
            self.rest = &self.rest[length..];
            self.skip_blanks();
            if self.peek() != Some('.') {
                return Ok(key);
            }
            self.next();
            key.push('.');
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        self.skip_blanks();
        match self.peek() {
            Some('[') => self.list(),
            Some('{') => Err("inline tables are not supported".into()),
            _ => self.scalar(),
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        self.eat('[')?;
        let mut items = Vec::new();
        loop {
            self.skip_lines();
            if self.peek() == Some(']') {
                break;
            }
            if matches!(self.peek(), Some('[' | '{')) {
                return Err("an array may hold strings, integers and booleans only".into());
            }
            items.push(self.scalar()?);
            self.skip_lines();
            match self.peek() {
                Some(',') => self.next(),
                Some(']') => break,
                _ => return Err("expected ',' or ']' in the array".into()),
            };
        }
        self.eat(']')?;
        Ok(Value::List(items))
    }

    fn scalar(&mut self) -> Result<Value, String> {
        if self.rest.starts_with("\"\"\"") || self.rest.starts_with("'''") {
            return Err("multi-line strings are not supported".into());
        }
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.string(quote).map(Value::Str);
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '#');
        let word = &self.rest[..self.rest.find(ends).unwrap_or(self.rest.len())];
        let value = match word {
            "" => return Err("expected a value".into()),
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Int(integer(word)?),
        };
        self.rest = &self.rest[word.len()..];
        Ok(value)
    }

    fn string(&mut self, quote: char) -> Result<String, String> {
        self.eat(quote)?;
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some('\n' | '\r') => return Err("the string is not closed".into()),
                Some(c) if c == quote => break,
                Some(c) if c.is_control() && c != '\t' => {
                    return Err("control character in a string".into())
                }
                Some('\\') if quote == '"' => text.push(self.escape()?),
                Some(c) => {
                    self.next();
                    text.push(c);
                }
            }
        }
        self.eat(quote)?;
        Ok(text)
    }

    fn escape(&mut self) -> Result<char, String> {
        self.eat('\\')?;
        let c = self.peek().unwrap_or(' ');
        let decoded = match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            '"' | '\\' => c,
            'u' | 'U' => return self.unicode(if c == 'u' { 4 } else { 8 }),
            _ => return Err(format!("unknown escape '\\{}'", c.escape_default())),
        };
        self.next();
        Ok(decoded)
    }

    fn unicode(&mut self, digits: usize) -> Result<char, String> {
        self.next();
        let code = self.rest.get(..digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let decoded = code.and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let decoded = decoded.and_then(char::from_u32).ok_or("bad unicode escape")?;
        self.rest = &self.rest[digits..];
        Ok(decoded)
    }
}

fn integer(word: &str) -> Result<i64, String> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let grouped = digits.split('_').all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit()));
    if !grouped || (digits.len() > 1 && digits.starts_with('0')) {
        return Err(format!("'{word}' is not a string, an integer, a boolean or an array"));
    }
    word.replace('_', "").parse().map_err(|_| format!("the integer {word} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_value() {
        let text =
            "\u{feff}# top\r\nname = \"a\\u00e9\\n\" # c\r\npath = 'C:\\x'\nn = -1_000\non=true\n\
                    list = [ 'a', # x\n \"b\",\n]\nempty = []\n[one.two]\nkey = 2\n";
        let doc = Document::parse(text).unwrap();
        assert_eq!(doc.text("name"), "aé\n");
        assert_eq!(doc.text("path"), "C:\\x");
        assert_eq!(doc.get("n"), Some(&Value::Int(-1000)));
        assert_eq!(doc.get("on"), Some(&Value::Bool(true)));
        assert_eq!(doc.list("list"), ["a", "b"]);
        assert_eq!(doc.get("empty"), Some(&Value::List(vec![])));
        assert_eq!(doc.get("one.two.key"), Some(&Value::Int(2)));
        assert_eq!(doc.entries.last().unwrap().line, 11);
        assert_eq!(Document::parse("").unwrap(), Document::default());
    }

    #[test]
    fn refuses_bad_input_with_the_line() {
        let cases = [
            ("a = 1\nb =", 2, "expected a value"),
            ("a = \"x\nb = 1", 1, "not closed"),
            ("\n\na 1", 3, "expected '='"),
            ("a = 1\na = 2", 2, "clashes with 'a' of line 1"),
            ("a = 1\n[a]", 2, "clashes"),
            ("[a]\nb = 1\n[a]", 3, "twice"),
            ("a.b = 1\na = 2", 2, "as a table"),
            ("a = 1 2", 1, "unexpected '2'"),
            ("a = 1.5", 1, "'1.5' is not"),
            ("a = 99999999999999999999", 1, "too large"),
            ("a = [1\n2]", 2, "expected ',' or ']'"),
            ("a = [[1]]", 1, "may hold"),
            ("a = {}", 1, "inline tables"),
            ("[[a]]", 1, "arrays of tables"),
            ("[a", 1, "expected ']'"),
            ("\"a\" = 1", 1, "quoted keys"),
            ("= 1", 1, "expected a key"),
            ("a = \"\\q\"", 1, "unknown escape"),
            ("a = \"\\ud800\"", 1, "bad unicode"),
            ("a = \"\\u12\u{20ac}\"", 1, "bad unicode"),
            ("a = \"\"\"x\"\"\"", 1, "multi-line"),
            ("a = 1__0", 1, "is not"),
            ("a = [1,", 1, "expected a value"),
        ];
        for (text, line, message) in cases {
            let error = Document::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}: {error}");
            assert!(error.message.contains(message), "{text:?}: {error}");
        }
    }
}
