package dev.tritium.api.openai;

import jakarta.inject.Singleton;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/** {@code GET /q/openapi}: the OpenAPI document, as JSON whatever format is asked for. */
@Singleton
@Path("/q/openapi")
@Produces(MediaType.APPLICATION_JSON)
public class OpenApiResource {
  private final String version;
  private volatile @Nullable String document;

  OpenApiResource(@ConfigProperty(name = "quarkus.application.version") String version) {
    this.version = version;
  }

  /** The document, made when it is first asked for. */
  @GET
  public String document() {
    String made = document;
    if (made == null) {
      made = OpenApiDocument.create(version).toPrettyString();
      document = made;
    }
    return made;
  }
}
