"""Networks, their optimizers, distillation and calibration."""
