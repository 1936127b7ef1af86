package dev.tritium.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** An object for a cluster's API server. */
record Manifest(JsonNode json) {
  static final YAMLMapper YAML = new YAMLMapper();

  /** The objects of a stream of YAML documents; empty documents are left out. */
  static List<Manifest> parse(String yaml) {
    try (MappingIterator<JsonNode> documents = YAML.readerFor(JsonNode.class).readValues(yaml)) {
      return documents.readAll().stream()
          .filter(document -> Objects.nonNull(document) && document.isObject())
          .map(Manifest::new)
          .toList();
    } catch (IOException e) {
      throw new AssertionError("not YAML: " + yaml, e);
    }
  }

  /** Its kind with the group and version of its API, such as {@code apps/v1 Deployment}. */
  String type() {
    return json.path("apiVersion").asText() + " " + kind();
  }

  String kind() {
    return json.path("kind").asText();
  }

  String name() {
    return json.at("/metadata/name").asText();
  }

  JsonNode at(String pointer) {
    return json.at(pointer);
  }

  /** The pod that it is or makes. */
  Stream<JsonNode> pod() {
    JsonNode template = at("/spec/template");
    return kind().equals("Pod")
        ? Stream.of(json)
        : template.at("/spec/containers").isArray() ? Stream.of(template) : Stream.empty();
  }

  @Override
  public String toString() {
    return kind() + " " + name();
  }
}
