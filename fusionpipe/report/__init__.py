"""What people see: consumers of events, and renderers. Only this package writes to a terminal."""
