"""The processor that runs the guest, exits, the emulator, control registers."""
