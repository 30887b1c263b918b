"""What the results of many experiments say: values side by side, two groups compared, and which settings matter."""
