// The API's description, shown by Swagger UI, which lies in vendored/ and asks nobody but this node.
globalThis.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#description",
  deepLinking: true,
  filter: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
