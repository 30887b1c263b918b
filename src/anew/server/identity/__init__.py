"""Who there is: the user of a page on this machine, or accounts with sessions, tokens and links."""
