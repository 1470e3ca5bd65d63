"""Whether sidecars behaved: what `sidecar-plugin verify` reads, what it holds against it, and how it says so."""
