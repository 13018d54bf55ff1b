"""What things are called: kinds of forward, channel variables, numbers. Imports nothing else of ours."""
