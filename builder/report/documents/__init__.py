"""The JSON documents of the commands as types, one module for each: field, type, unit, meaning."""
