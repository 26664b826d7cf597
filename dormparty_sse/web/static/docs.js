/** Starts the viewer of the API's description. A file of its own, since the page allows no inline script. */

SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });
