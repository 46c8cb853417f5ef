-- Which process holds the lease, so that one on the same machine that is provably gone is taken over at once. All NULL
-- where the system does not tell.
ALTER TABLE lease ADD COLUMN boot_id TEXT;
-- pid and time namespace, in which pid and start time mean something
ALTER TABLE lease ADD COLUMN namespaces TEXT;
ALTER TABLE lease ADD COLUMN pid INTEGER;
-- clock ticks since the boot
ALTER TABLE lease ADD COLUMN started_ticks TEXT;
