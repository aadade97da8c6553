"""What a release is made of besides files: versions, tags, notes, gates, and the pipelines that run it."""
