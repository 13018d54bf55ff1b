"""What is wrong between FreeSWITCH and the daemon on one machine."""
