package dev.tritium.api.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.smallrye.openapi.api.SmallRyeOpenAPI;
import java.io.ByteArrayInputStream;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.openapi.OASModelReader;
import org.eclipse.microprofile.openapi.models.OpenAPI;

/** Gives SmallRye OpenAPI the document; runs while the application is built, never in a server. */
public final class OpenApiModelReader implements OASModelReader {
  @Override
  public OpenAPI buildModel() {
    String version =
        ConfigProvider.getConfig().getValue("quarkus.application.version", String.class);
    byte[] json = OpenApiDocument.create(version).toString().getBytes(UTF_8);
    return SmallRyeOpenAPI.builder()
        .enableModelReader(false) // this is one
        .enableStandardStaticFiles(false)
        .enableAnnotationScan(false)
        .enableStandardFilter(false)
        .withCustomStaticFile(() -> new ByteArrayInputStream(json))
        .build()
        .model();
  }
}
