"""A small server that speaks TensorFlow Serving's API and takes its flags, for machines where its image can't run."""
