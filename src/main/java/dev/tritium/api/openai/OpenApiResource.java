package dev.tritium.api.openai;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** {@code GET /q/openapi}: the OpenAPI document, as JSON whatever format is asked for. */
@Path("/q/openapi")
@Produces(MediaType.APPLICATION_JSON)
public class OpenApiResource {
  private final String version;

  OpenApiResource(@ConfigProperty(name = "quarkus.application.version") String version) {
    this.version = version;
  }

  /** The document; made when it is asked for, which is seldom. */
  @GET
  public String document() {
    return OpenApiDocument.create(version).toPrettyString();
  }
}
