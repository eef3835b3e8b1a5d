"""Zero-shot annotation of perceived facial expressions in video clips."""
