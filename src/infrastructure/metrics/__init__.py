"""What operators watch: counted in plain Python where it happens, told in Prometheus' text form when asked."""
