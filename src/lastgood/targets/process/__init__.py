"""The process target: plain processes on this machine, each under a supervisor of its own."""
