"""What catalogs in databases of tables have in common: the tables, how they are filled, and how questions become SQL."""
