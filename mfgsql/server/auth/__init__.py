"""Who connects: passwords by SCRAM-SHA-256, encryption by TLS, and patience with those who guess."""
