package dev.tritium.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.tritium.testing.Api;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Compose file, without Compose: no registry has the images of Prometheus and Grafana here. */
class ComposeTest {
  private static final Path FILE = Path.of("deploy/compose.yaml");
  private static final Path SCHEMA = Path.of("src/test/resources/compose/compose-spec.json");

  private final JsonNode compose = read();
  private final JsonNode services = compose.get("services");

  private static JsonNode read() {
    try {
      return new YAMLMapper().readTree(FILE.toFile());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void itIsAComposeFile() throws IOException {
    ObjectNode spec = (ObjectNode) Api.JSON.readTree(SCHEMA.toFile());
    spec.remove("$id"); // a relative one, which the validator refuses
    Schema schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_7).getSchema(spec);
    assertEquals("[]", schema.validate(compose).toString());
    ((ObjectNode) services.get("tritium")).put("portz", "8080");
    assertFalse(schema.validate(compose).isEmpty(), "a service with an unknown key");
  }

  @Test
  void whatIsMountedIsThere() {
    for (JsonNode service : services) {
      for (JsonNode volume : service.path("volumes")) {
        String source =
            volume.textValue().replaceFirst("^\\$\\{\\w+:-(.*?)}", "$1").split(":", -1)[0];
        assertTrue(
            source.startsWith(".")
                ? Files.exists(FILE.resolveSibling(source))
                : compose.get("volumes").has(source),
            source);
      }
      for (JsonNode config : service.path("configs")) {
        assertTrue(compose.get("configs").has(config.get("source").textValue()), config::toString);
      }
    }
  }

  @Test
  void prometheusTakesItsConfigurationAndScrapesTheServer(@TempDir Path folder) throws Exception {
    String text = compose.at("/configs/prometheus/content").textValue();
    JsonNode configuration = new YAMLMapper().readTree(text);
    assertEquals("tritium:8080", configuration.findPath("targets").get(0).textValue());
    assertTrue(configuration.findPath("job_name").textValue().contains("tritium"), "as rules look");
    Path file = folder.resolve("prometheus.yml");
    String rules = configuration.at("/rule_files/0").textValue();
    Files.writeString(file, text.replace(rules, Expression.RULES.toAbsolutePath().toString()));
    Promtool run = Promtool.run(null, "check", "config", file.toString());
    assertEquals(0, run.status(), run::said);
  }

  @Test
  void grafanaFindsPrometheusAndTheDashboard() throws IOException {
    JsonNode source =
        new YAMLMapper().readTree(compose.at("/configs/datasource/content").textValue());
    assertEquals("http://prometheus:9090", source.at("/datasources/0/url").textValue());
    JsonNode provider =
        new YAMLMapper().readTree(compose.at("/configs/dashboards/content").textValue());
    String folder = provider.at("/providers/0/options/path").textValue();
    String mount = services.at("/grafana/volumes/0").textValue();
    assertEquals("../helm/tritium/dashboards:" + folder + ":ro", mount);
    String home =
        services.at("/grafana/environment/GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH").textValue();
    assertEquals(folder + "/" + Expression.DASHBOARD.getFileName(), home);
  }
}
