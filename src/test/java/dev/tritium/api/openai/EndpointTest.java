package dev.tritium.api.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointTest {
  @ParameterizedTest
  @CsvSource({
    "/v1/completions, COMPLETIONS",
    "/v1/completions/, COMPLETIONS",
    "/v1/chat/completions/, CHAT",
    "/v1/models/, MODELS",
    "/v1/models/a/b, MODELS",
    "/q/metrics/, METRICS",
    "/admin, ADMIN",
    "/admin/, ADMIN",
    "/, PLAYGROUND",
    "/v1/completions/x, OTHER",
    "/administration, OTHER"
  })
  void aPathBelongsToItsEndpointWithASlashBehindItToo(String path, Endpoint endpoint) {
    assertEquals(endpoint, Endpoint.of(path));
  }
}
