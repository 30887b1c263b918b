"""Values as W&B's media (`media`), and W&B's log of an offline run read back (`transactions`)."""
