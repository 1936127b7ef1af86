package dev.tritium;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import org.junit.jupiter.api.Test;

/** The rooms of the house and who may use whom (CONTRIBUTING.md). */
class ArchitectureTest {
  private static final String ROOT = "dev.tritium.";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new DoNotIncludeTests())
          .importPackages("dev.tritium");

  @Test
  void theClassesAreRead() { // files that ArchUnit cannot read are only skipped with a warning
    assertTrue(CLASSES.size() > 80, "only " + CLASSES.size() + " classes");
  }

  @Test
  void eachRoomUsesOnlyTheRoomsBelowIt() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("storage")
        .definedBy(ROOT + "storage..")
        .layer("checkpoint")
        .definedBy(ROOT + "checkpoint..")
        .layer("hub")
        .definedBy(ROOT + "hub..")
        .layer("tokenizer")
        .definedBy(ROOT + "tokenizer..")
        .layer("grammar")
        .definedBy(ROOT + "grammar..")
        .layer("energy")
        .definedBy(ROOT + "energy..")
        .layer("kernel")
        .definedBy(ROOT + "kernel")
        .layer("vector")
        .definedBy(ROOT + "kernel.vector")
        .layer("model")
        .definedBy(ROOT + "model..")
        .layer("engine")
        .definedBy(ROOT + "engine..")
        .layer("scheduler")
        .definedBy(ROOT + "scheduler..")
        .layer("api")
        .definedBy(ROOT + "api..")
        .layer("server")
        .definedBy(ROOT + "server..")
        .layer("cli")
        .definedBy(ROOT + "cli..")
        .whereLayer("storage")
        .mayNotAccessAnyLayer()
        .whereLayer("checkpoint")
        .mayOnlyAccessLayers("storage")
        .whereLayer("hub")
        .mayOnlyAccessLayers("checkpoint")
        .whereLayer("hub")
        .mayOnlyBeAccessedByLayers("server", "cli")
        .whereLayer("tokenizer")
        .mayOnlyAccessLayers("storage")
        .whereLayer("grammar")
        .mayNotAccessAnyLayer()
        .whereLayer("energy")
        .mayNotAccessAnyLayer()
        .whereLayer("kernel")
        .mayNotAccessAnyLayer()
        .whereLayer("vector")
        .mayOnlyAccessLayers("kernel")
        .whereLayer("vector")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("model")
        .mayOnlyAccessLayers("kernel", "checkpoint")
        .whereLayer("engine")
        .mayOnlyAccessLayers("model", "kernel", "tokenizer", "grammar")
        .whereLayer("scheduler")
        .mayOnlyAccessLayers("engine", "model", "kernel", "tokenizer")
        .whereLayer("api")
        .mayOnlyAccessLayers("scheduler", "engine", "tokenizer", "grammar")
        .whereLayer("server")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("cli")
        .mayNotBeAccessedByAnyLayer()
        .check(CLASSES);
  }

  @Test
  void roomsHaveNoCycles() {
    slices().matching(ROOT + "(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void theCoreNeedsOnlyTheJdk() {
    classes()
        .that(
            resideInAnyPackage(
                rooms("kernel", "model", "grammar", "energy", "engine", "scheduler")))
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "dev.tritium..",
                "java..",
                "com.sun.management..", // CPU time of the process
                "jdk.incubator.vector..",
                "org.jspecify.."))
        .check(CLASSES);
  }

  @Test
  void checkpointAndTokenizerNeedOnlyTheirLibraries() {
    classes()
        .that(resideInAnyPackage(rooms("storage", "checkpoint", "tokenizer")))
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "dev.tritium..",
                "java..",
                "org.jspecify..",
                "com.fasterxml.jackson..",
                "ai.djl..",
                "com.hubspot.jinjava..",
                "jinjava..")) // the expression language that jinjava carries
        .check(CLASSES);
  }

  @Test
  void theHubNeedsOnlyTheJdkAndJackson() {
    classes()
        .that(resideInAnyPackage(rooms("hub")))
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "dev.tritium..",
                "java..",
                "javax.net.ssl..",
                "org.jspecify..",
                "com.fasterxml.jackson.."))
        .check(CLASSES);
  }

  @Test
  void onlyKernelVectorUsesTheIncubator() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + "kernel.vector")
        .should()
        .dependOnClassesThat(resideInAPackage("jdk.incubator.."))
        .check(CLASSES);
  }

  /**
   * Where C2 has made many nodes it calls helpers, whose vectors are then objects, 3 times slower.
   */
  @Test
  void innerLoopsOfVectorsCallNoMethodOfOurs() {
    noMethods()
        .that()
        .areDeclaredInClassesThat(resideInAPackage(ROOT + "kernel.vector"))
        .and()
        .haveNameMatching("dot.*|unpackWords")
        .should(callAMethodOfOurs())
        .check(CLASSES);
  }

  private static ArchCondition<JavaMethod> callAMethodOfOurs() {
    return new ArchCondition<>("call a method of ours") {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        for (JavaMethodCall call : method.getMethodCallsFromSelf()) {
          boolean ours = call.getTargetOwner().getPackageName().startsWith(ROOT);
          events.add(new SimpleConditionEvent(call, ours, call.getDescription()));
        }
      }
    };
  }

  @Test
  void onlyServerKnowsQuarkusMicrometerAndOpenTelemetry() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + "server..")
        .should()
        .dependOnClassesThat(
            resideInAnyPackage(
                "io.quarkus..",
                "io.micrometer..",
                "io.opentelemetry..",
                "io.prometheus..",
                "io.vertx..",
                "io.smallrye.config.."))
        .check(CLASSES);
  }

  @Test
  void onlyApiAndServerKnowHttp() {
    noClasses()
        .that(resideInAnyPackage("dev.tritium.."))
        .and()
        .resideOutsideOfPackages(rooms("api", "server"))
        .should()
        .dependOnClassesThat(
            resideInAnyPackage("jakarta..", "io.smallrye..", "org.jboss..", "org.eclipse.."))
        .check(CLASSES);
  }

  @Test
  void onlyCliKnowsPicocli() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + "cli..")
        .should()
        .dependOnClassesThat(resideInAPackage("picocli.."))
        .check(CLASSES);
  }

  @Test
  void threadsStartOnlyWhereTheyBelong() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            ROOT + "scheduler..", ROOT + "server..", ROOT + "kernel", ROOT + "hub") // files at once
        .should()
        .callMethod(Thread.class, "start")
        .orShould()
        .callMethod(Thread.class, "ofPlatform")
        .orShould()
        .callMethod(Thread.class, "ofVirtual")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(java.util.concurrent.ExecutorService.class)
        .check(CLASSES);
  }

  @Test
  void nothingUsesUnsafeOrPrintsOutsideTheCommandLine() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("sun.misc.Unsafe")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + "cli..")
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(CLASSES);
  }

  private static String[] rooms(String... names) {
    String[] packages = new String[names.length];
    for (int i = 0; i < names.length; i++) {
      packages[i] = ROOT + names[i] + "..";
    }
    return packages;
  }
}
