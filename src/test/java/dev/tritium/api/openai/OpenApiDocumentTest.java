package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The OpenAPI document by itself. */
class OpenApiDocumentTest {
  private static final String META_SCHEMA =
      "https://spec.openapis.org/oas/3.1/schema-base/2022-10-07";

  private final ObjectNode document = OpenApiDocument.create("1");

  @Test
  void itIsValidOpenApi() {
    Schema schema =
        SchemaRegistry.withDefaultDialect(
                SpecificationVersion.DRAFT_2020_12,
                builder ->
                    builder.schemaIdResolvers(
                        resolvers ->
                            resolvers.mapPrefix(
                                "https://spec.openapis.org/", "classpath:spec.openapis.org/")))
            .getSchema(SchemaLocation.of(META_SCHEMA));
    assertEquals("[]", schema.validate(document).toString());
    document.withObject("/components/schemas/Model").put("type", "thing");
    assertTrue(!schema.validate(document).isEmpty(), "a schema of an unknown type");
  }

  @Test
  void everyReferenceLeadsSomewhere() {
    for (JsonNode reference : document.findValues("$ref")) {
      assertTrue(
          !document.at(reference.textValue().substring(1)).isMissingNode(), reference::toString);
    }
  }

  @Test
  void itHasTheResourcesThereAre() {
    Set<String> ours = new TreeSet<>();
    new ClassFileImporter()
            .withImportOption(new DoNotIncludeTests())
            .importPackages("dev.tritium.api", "dev.tritium.server")
            .stream()
            .filter(type -> type.isAnnotatedWith(Path.class))
            .flatMap(type -> type.getMethods().stream())
            .filter(
                method ->
                    Stream.of(GET.class, POST.class, DELETE.class)
                        .anyMatch(method::isAnnotatedWith))
            .forEach(method -> ours.add(operation(method)));
    Set<String> listed = new TreeSet<>();
    for (Map.Entry<String, JsonNode> path : document.get("paths").properties()) {
      path.getValue().fieldNames().forEachRemaining(name -> listed.add(name + " " + path.getKey()));
    }
    listed.removeIf(operation -> operation.startsWith("get /q/")); // Quarkus's own
    assertEquals(ours, listed);
  }

  private static String operation(JavaMethod method) {
    String root = method.getOwner().getAnnotationOfType(Path.class).value();
    String path =
        method.isAnnotatedWith(Path.class) ? method.getAnnotationOfType(Path.class).value() : "";
    String whole = (root + "/" + path).replaceAll("/+", "/").replaceAll("(?<=.)/$", "");
    String verb =
        method.isAnnotatedWith(GET.class)
            ? "get "
            : method.isAnnotatedWith(POST.class) ? "post " : "delete ";
    return verb + whole.replaceAll(": [^}]*", "");
  }

  @Test
  void everyKindOfErrorIsAnAnswerToSomething() {
    Set<ErrorKind> ofNone = Set.of(ErrorKind.METHOD_NOT_ALLOWED);
    String paths = document.get("paths").toString();
    for (ErrorKind kind : ErrorKind.values()) {
      boolean isListed = paths.contains("/" + OpenApiDocument.schemaName(kind) + "\"");
      assertEquals(!ofNone.contains(kind), isListed, kind.name());
    }
  }
}
