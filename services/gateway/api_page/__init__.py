"""The page of ``/docs``: Swagger UI over the OpenAPI document."""
