# The aws provider: servers at Amazon EC2, by the `aws` command.

# The plans and what they stand for.
export def plans []: nothing -> table {
    [
        [name type cpus memory_gb];
        [t3-small t3.small 2 2]
        [t3-medium t3.medium 2 4]
        [t3-large t3.large 2 8]
    ]
}

# The command lines that make a server; the image is an AMI id.
export def create-commands [name: string, plan: string, image: string]: nothing -> list<string> {
    let found = (plans | where name == $plan)
    if ($found | is-empty) {
        error make {msg: $"the aws provider has no plan '($plan)'"}
    }
    let type = ($found | first | get type)
    let tags = $"ResourceType=instance,Tags=[{Key=Name,Value=($name)}]"
    [$"aws ec2 run-instances --image-id ($image) --instance-type ($type) --tag-specifications '($tags)'"]
}

# The command lines that remove a server.
export def delete-commands [instance: string]: nothing -> list<string> {
    [$"aws ec2 terminate-instances --instance-ids ($instance)"]
}
