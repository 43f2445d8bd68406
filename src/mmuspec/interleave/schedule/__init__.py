"""Schedules as people read them: rows, their order, the words in them, the table."""
