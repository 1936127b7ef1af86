package dev.tritium.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.gson.JsonParseException;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Job;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Role;
import io.kubernetes.client.openapi.models.V1RoleBinding;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscaler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What an API server would refuse because of its schemas: unknown and missing fields, wrong types.
 * Core kinds are held against the models of Kubernetes's Java client, custom resources against the
 * schemas of their definitions, closed. A kind that has neither is refused.
 */
final class ApiSchemas {
  private static final Path DEFINITIONS = Path.of("src/test/resources/crds");

  private static final Map<String, Class<?>> MODELS =
      Map.ofEntries(
          Map.entry("v1 ConfigMap", V1ConfigMap.class),
          Map.entry("v1 Namespace", V1Namespace.class),
          Map.entry("v1 PersistentVolumeClaim", V1PersistentVolumeClaim.class),
          Map.entry("v1 Pod", V1Pod.class),
          Map.entry("v1 Service", V1Service.class),
          Map.entry("v1 ServiceAccount", V1ServiceAccount.class),
          Map.entry("apps/v1 Deployment", V1Deployment.class),
          Map.entry("apps/v1 StatefulSet", V1StatefulSet.class),
          Map.entry("autoscaling/v2 HorizontalPodAutoscaler", V2HorizontalPodAutoscaler.class),
          Map.entry("batch/v1 Job", V1Job.class),
          Map.entry("networking.k8s.io/v1 NetworkPolicy", V1NetworkPolicy.class),
          Map.entry("rbac.authorization.k8s.io/v1 Role", V1Role.class),
          Map.entry("rbac.authorization.k8s.io/v1 RoleBinding", V1RoleBinding.class),
          Map.entry("policy/v1 PodDisruptionBudget", V1PodDisruptionBudget.class));

  private final Map<String, Schema> definitions = new HashMap<>(); // by type
  private final Map<JsonNode, List<String>> known = new HashMap<>(); // releases have much in common

  ApiSchemas() {
    SchemaRegistry registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    try (Stream<Path> files = Files.list(DEFINITIONS)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).toList()) {
        JsonNode definition = new ObjectMapper().readTree(file.toFile());
        JsonNode schema = definition.get("openAPIV3Schema");
        close(schema);
        // Any object's metadata: V1ObjectMeta knows better.
        schema.withObject("/properties/metadata").removeAll();
        definitions.put(definition.get("type").textValue(), registry.getSchema(schema));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Makes JSON Schema of a structural schema: objects with fields have no others, and OpenAPI's
   * {@code nullable} becomes a type.
   */
  private static void close(JsonNode node) {
    if (node instanceof ObjectNode schema) {
      boolean open = schema.path("x-kubernetes-preserve-unknown-fields").asBoolean();
      if (schema.path("properties").isObject() && schema.path("type").isTextual() && !open) {
        schema.put("additionalProperties", false);
      }
      if (schema.path("nullable").asBoolean() && schema.path("type").isTextual()) {
        schema.putArray("type").add(schema.get("type").textValue()).add("null");
      }
      // Not JSON Schema's: merge strategies, and rules in CEL, which nothing here can evaluate.
      List<String> others =
          schema.propertyStream().map(Map.Entry::getKey).filter(ApiSchemas::isOther).toList();
      schema.remove(others);
    }
    node.forEach(ApiSchemas::close);
  }

  private static boolean isOther(String keyword) {
    return keyword.startsWith("x-kubernetes-") || keyword.equals("nullable");
  }

  /** What is wrong with an object; empty if an API server would take it. */
  List<String> problemsOf(Manifest manifest) {
    return known.computeIfAbsent(manifest.json(), json -> find(manifest));
  }

  private List<String> find(Manifest manifest) {
    Class<?> model = MODELS.get(manifest.type());
    Schema definition = definitions.get(manifest.type());
    List<String> problems = new ArrayList<>();
    if (model != null) {
      problems.addAll(against(model, manifest.json()));
    } else if (definition != null) {
      definition.validate(manifest.json()).forEach(error -> problems.add(error.toString()));
      problems.addAll(against(V1ObjectMeta.class, manifest.at("/metadata")));
    } else {
      problems.add("there is no schema for it");
    }
    return problems.stream().map(problem -> manifest.type() + ": " + problem).toList();
  }

  private static List<String> against(Class<?> model, JsonNode json) {
    try {
      String read = JSON.getGson().toJson(JSON.getGson().fromJson(json.toString(), model));
      List<String> changes = new ArrayList<>();
      changes("", json, new ObjectMapper().readTree(read), changes);
      return changes;
    } catch (IllegalArgumentException | JsonParseException | IOException e) {
      return List.of(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Where the client read something else than what there was: it takes the number 8080 for a text,
   * an API server does not. Quantities and times may be written in another way.
   */
  private static void changes(String path, JsonNode given, JsonNode read, List<String> changes) {
    if (given.getNodeType() != read.getNodeType()) {
      changes.add(path + " is " + given + ", which would have to be " + read);
    } else if (given.isContainerNode()) {
      given
          .propertyStream()
          .forEach(
              field ->
                  changes(
                      path + "/" + field.getKey(),
                      field.getValue(),
                      read.path(field.getKey()),
                      changes));
      for (int i = 0; given.isArray() && i < given.size(); i++) {
        changes(path + "/" + i, given.get(i), read.path(i), changes);
      }
    }
  }
}
