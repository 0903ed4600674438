"""What a node answers to other nodes, by plain HTTPS: every request is a member's, by the certificate it shows."""
