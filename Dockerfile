# The server as an image, with the bundled model: docs/deploy.md. Needs BuildKit, the builder of Docker since 23.
#
#   docker build -t tritium .
#
# BUILD_IMAGE needs a JDK 25 and Maven; BASE_IMAGE only glibc and libgcc, no shell. APP=prebuilt takes what Maven has left in
# target/quarkus-app instead of compiling: for tests, and where the build has no network.
ARG BUILD_IMAGE=docker.io/library/maven:3-eclipse-temurin-25
ARG BASE_IMAGE=docker.io/library/debian:12-slim
ARG APP=compiled

FROM ${BUILD_IMAGE} AS compiled
WORKDIR /src
COPY pom.xml ./
COPY .mvn .mvn
COPY src/main src/main
RUN --mount=type=cache,target=/root/.m2 mvn -q -B -ntp -Dmaven.test.skip=true package

FROM scratch AS prebuilt
COPY target/quarkus-app /src/target/quarkus-app

FROM ${APP} AS app

# A JVM of just what the server needs (ImageIT compares), and jcmd to look into it.
FROM ${BUILD_IMAGE} AS runtime
RUN jlink --output /opt/java --strip-java-debug-attributes --no-header-files --no-man-pages --compress zip-6 --generate-cds-archive \
  --add-modules java.compiler,java.desktop,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml,jdk.incubator.vector,jdk.jcmd,jdk.jfr,jdk.management,jdk.net,jdk.unsupported,jdk.zipfs \
  && rm /opt/java/lib/server/classes_nocoops.jsa

# From what changes seldom to what changes often.
FROM ${BASE_IMAGE} AS installed
COPY --from=runtime /opt/java /opt/java
COPY models/tritium-stories-17m /opt/tritium/models/tritium-stories-17m
COPY --from=app /src/target/quarkus-app/lib /opt/tritium/lib
COPY src/main/jvm/args /opt/tritium/jvm/args
COPY --from=app /src/target/quarkus-app/quarkus /opt/tritium/quarkus
COPY --from=app /src/target/quarkus-app/app /opt/tritium/app
COPY --from=app /src/target/quarkus-app/quarkus-run.jar /opt/tritium/
# The tokenizers' library lies where no mount hides it: temporary file systems are mostly mounted noexec. Vert.x unpacks the
# playground's files, and /dev/shm is a folder that can be written in any container.
ENV PATH=/opt/java/bin:$PATH LANG=C.UTF-8 TRITIUM_HOST=0.0.0.0 \
  TRITIUM_CACHE=/var/cache/tritium HF_HOME=/var/cache/tritium/huggingface DJL_CACHE_DIR=/opt/tritium/native QUARKUS_VERTX_CACHE_DIRECTORY=/dev/shm/vertx
# Quarkus reads config/application.properties here.
WORKDIR /opt/tritium

# What a first start would have to make: the archive of classes, the tokenizers' library, the bundled model's packed weights
# for this machine's best kernel and for the one that runs anywhere.
FROM installed AS started
RUN ["java", "-XX:ArchiveClassesAtExit=/opt/tritium/classes.jsa", "@/opt/tritium/jvm/args", "-Dtritium.home=/opt/tritium", "-Dtritium.exit-when-ready=true", "-jar", "/opt/tritium/quarkus-run.jar", "serve", "--port", "0"]
RUN ["java", "@/opt/tritium/jvm/args", "-jar", "/opt/tritium/quarkus-run.jar", "generate", "--kernel", "t2", "--max-tokens", "1"]

FROM installed
ARG VERSION=0.1.0-SNAPSHOT
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tritium" \
  org.opencontainers.image.description="REST inference server for ternary language models, in pure Java" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
COPY --from=started --chmod=755 /opt/tritium/native native
COPY --from=started --chown=10001:10001 /var/cache/tritium /var/cache/tritium
COPY --from=started /opt/tritium/classes.jsa ./
USER 10001:10001
VOLUME /models
EXPOSE 8080
# Answers finish within tritium.shutdown.grace: docker stop must wait longer, with --time 35.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD ["java", "-XX:SharedArchiveFile=/opt/tritium/classes.jsa", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "@/opt/tritium/jvm/args", "-jar", "/opt/tritium/quarkus-run.jar", "health"]
ENTRYPOINT ["java", "-XX:SharedArchiveFile=/opt/tritium/classes.jsa", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "@/opt/tritium/jvm/args", "-Dtritium.home=/opt/tritium", "-jar", "/opt/tritium/quarkus-run.jar"]
CMD ["serve"]
