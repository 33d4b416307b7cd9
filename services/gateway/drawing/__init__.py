"""Camera pictures with boxes and labels, or with faces made unrecognisable."""
