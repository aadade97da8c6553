[package]
name = "provisioning"
version = "2.1.0"
