"use strict";

// A file of its own, so that the page's policy allows no inline script.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // Keys that are entered here are gone when the page is left.
  persistAuthorization: false,
  // The badge of a validator elsewhere.
  validatorUrl: null,
  // Settings can't be taken from the page's address, such as another document.
  queryConfigEnabled: false,
});
