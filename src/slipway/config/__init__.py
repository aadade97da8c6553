"""What slipway.toml says: read, checked and explained. Importing this package stays cheap; only load needs pydantic."""
