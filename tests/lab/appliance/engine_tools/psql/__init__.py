"""engine-psql.sh: psql's command line, output and error texts over the simulator's SQLite database."""
