"""PostgreSQL 15 and later: tables, statements, migrations, and the embedded server of the default."""
