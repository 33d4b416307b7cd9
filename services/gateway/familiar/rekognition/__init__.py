"""Amazon Rekognition's operation DetectFaces."""
