"""conf.toml: what may stand in it, and how it is read and printed. Imports terms only."""
