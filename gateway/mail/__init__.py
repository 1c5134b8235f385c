"""Letters and how they leave: what they say, one SMTP conversation, and the service that sends them one by one."""
