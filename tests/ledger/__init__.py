"""The ledger: writer, reaper, proof and upkeep, on every engine."""
