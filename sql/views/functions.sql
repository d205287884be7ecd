-- summary: Every verb: arguments, what it returns, an example. Below them, the words used here, each in a line.
SELECT kind, name, arguments, summary, columns, example FROM ml_catalog.functions ORDER BY kind, name
