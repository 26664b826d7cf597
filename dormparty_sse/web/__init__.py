"""HTTP: routes, handlers, middlewares, schemas, and the composition of the application."""
