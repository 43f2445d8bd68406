"""What KVM keeps: the VM, its vCPUs, their MMUs, shadow pages, and the host below."""
