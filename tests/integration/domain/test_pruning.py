"""What the hot statements look into: of many partitions one, however the statement is planned."""
