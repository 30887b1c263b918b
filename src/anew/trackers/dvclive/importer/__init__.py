"""Reading folders of DVCLive. Neither DVCLive nor DVC is needed."""
