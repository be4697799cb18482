"""What the source documents published, and what is known of it; nothing of ours."""
