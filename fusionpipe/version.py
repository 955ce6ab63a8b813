"""The version, where it can be read without importing anything."""

VERSION = "0.1.0"
