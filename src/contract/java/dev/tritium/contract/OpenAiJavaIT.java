package dev.tritium.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.Sleeper;
import com.openai.core.http.HttpResponseFor;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIIoException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The official Java client, which checks answers against its own types where they allow it. */
class OpenAiJavaIT {
  @RegisterExtension static final ContractServer SERVER = new ContractServer();

  private static final ChatCompletionStreamOptions WITH_USAGE =
      ChatCompletionStreamOptions.builder().includeUsage(true).build();

  private final OpenAIClient lenient =
      OpenAIOkHttpClient.builder().baseUrl(SERVER.baseUrl()).apiKey(ContractServer.KEY).build();
  private final OpenAIClient client = lenient.withOptions(o -> o.responseValidation(true));

  private static CompletionCreateParams.Builder story() {
    return CompletionCreateParams.builder()
        .model(ContractServer.MODEL)
        .prompt("Once upon a time")
        .maxTokens(16)
        .seed(7);
  }

  private static CompletionCreateParams.Builder endless() {
    return story().maxTokens(50_000).putAdditionalBodyProperty("ignore_eos", JsonValue.from(true));
  }

  @SuppressWarnings("deprecation") // OpenAI no longer promises what a seed does; Tritium does
  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model(ContractServer.MODEL)
        .addUserMessage("Tell me of a cat.")
        .maxCompletionTokens(16)
        .seed(7);
  }

  @AfterEach
  void close() {
    lenient.close();
  }

  private List<CompletionChoice> choices(CompletionCreateParams.Builder params) {
    return client.completions().create(params.build()).choices();
  }

  private String text(CompletionCreateParams.Builder params) {
    return choices(params).getFirst().text();
  }

  @Test
  void modelsAreListedAndRetrieved() {
    List<Model> models = client.models().list().data();
    assertEquals(List.of(ContractServer.MODEL), models.stream().map(Model::id).toList());
    assertEquals(models.getFirst(), client.models().retrieve(ContractServer.MODEL));
    NotFoundException error =
        assertThrows(NotFoundException.class, () -> client.models().retrieve("no-such"));
    assertEquals("model_not_found", error.code().orElseThrow());
  }

  /** Its types are made from OpenAI's schema, but for {@code stream}, which is two methods here. */
  @Test
  void everyParameterThatTheClientHasIsInTheServersTable() {
    JsonNode completion = SERVER.parameters("CompletionRequest");
    JsonNode chat = SERVER.parameters("ChatCompletionRequest");
    assertListed(17, CompletionCreateParams.Body.class, completion);
    assertListed(35, ChatCompletionCreateParams.Body.class, chat);
    for (JsonNode parameters : List.of(completion, chat)) {
      JsonNode options = parameters.at("/stream_options/properties");
      assertListed(2, ChatCompletionStreamOptions.class, options);
      assertTrue(parameters.has("stream"));
    }
  }

  /** That all of a type's properties, of which there are some, are in a schema. */
  private static void assertListed(int least, Class<?> type, JsonNode properties) {
    Set<String> names = new TreeSet<>();
    for (Method method : type.getDeclaredMethods()) {
      JsonProperty property = method.getAnnotation(JsonProperty.class);
      if (property != null) {
        names.add(property.value());
      }
    }
    assertTrue(names.size() >= least, () -> type + " has " + names);
    names.removeIf(properties::has);
    assertEquals(Set.of(), names, () -> "of " + type + ", not in the table");
  }

  @Test
  void aCompletion() {
    Completion answer = client.completions().create(story().build());
    assertEquals(ContractServer.MODEL, answer.model());
    assertFalse(answer.choices().getFirst().text().isEmpty());
    assertEquals(CompletionChoice.FinishReason.LENGTH, answer.choices().getFirst().finishReason());
    assertEquals(16, answer.usage().orElseThrow().completionTokens());
    assertTrue(answer.usage().orElseThrow().promptTokensDetails().isPresent());
  }

  /**
   * OpenAI's own chunks have no finish_reason either until the last, which the client's type does
   * not know.
   */
  @Test
  void aStreamedCompletionIsThePlainOneInPieces() {
    try (StreamResponse<Completion> stream =
        lenient.completions().createStreaming(story().streamOptions(WITH_USAGE).build())) {
      List<Completion> chunks = stream.stream().toList();
      String pieces =
          chunks.stream()
              .flatMap(chunk -> chunk.choices().stream())
              .map(CompletionChoice::text)
              .collect(Collectors.joining());
      assertEquals(text(story()), pieces);
      assertTrue(chunks.getLast().choices().isEmpty());
      assertEquals(16, chunks.getLast().usage().orElseThrow().completionTokens());
    }
  }

  @Test
  void severalPromptsHaveSeveralAnswers() {
    List<CompletionChoice> choices =
        choices(story().promptOfArrayOfStrings(List.of("Once upon a time", "The king said")).n(2));
    assertEquals(List.of(0L, 1L, 2L, 3L), choices.stream().map(CompletionChoice::index).toList());
    assertEquals(text(story()), choices.get(0).text());
    assertNotEquals(choices.get(0).text(), choices.get(1).text());
  }

  @Test
  void logProbabilitiesAreRead() {
    CompletionChoice.Logprobs logprobs =
        choices(story().logprobs(2)).getFirst().logprobs().orElseThrow();
    assertEquals(16, logprobs.tokens().orElseThrow().size());
    assertEquals(16, logprobs.tokenLogprobs().orElseThrow().size());
    assertEquals(16, logprobs.topLogprobs().orElseThrow().size());
    assertTrue(logprobs.tokenLogprobs().orElseThrow().stream().allMatch(score -> score <= 0));
  }

  @Test
  void aChatAnswer() {
    ChatCompletion answer =
        client.chat().completions().create(chat().logprobs(true).topLogprobs(2).build());
    ChatCompletion.Choice choice = answer.choices().getFirst();
    assertFalse(choice.message().content().orElseThrow().isEmpty());
    assertEquals(ChatCompletion.Choice.FinishReason.LENGTH, choice.finishReason());
    assertEquals(16, choice.logprobs().orElseThrow().content().orElseThrow().size());
    assertEquals(16, answer.usage().orElseThrow().completionTokens());
  }

  @Test
  void aStreamedChatAnswerIsGatheredByTheClientsOwnHelper() {
    ChatCompletionAccumulator gathered = ChatCompletionAccumulator.create();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(chat().streamOptions(WITH_USAGE).build())) {
      stream.stream().forEach(gathered::accumulate);
    }
    ChatCompletion plain = client.chat().completions().create(chat().build());
    ChatCompletion streamed = gathered.chatCompletion();
    assertEquals(
        plain.choices().getFirst().message().content(),
        streamed.choices().getFirst().message().content());
    assertEquals(
        plain.choices().getFirst().finishReason(), streamed.choices().getFirst().finishReason());
    assertEquals(16, streamed.usage().orElseThrow().completionTokens());
  }

  /** What an answer is to be. */
  public static final class Pet {
    public String name;
    public int age;
    public Colour colour;
    public List<String> friends;

    /** Some. */
    public enum Colour {
      RED,
      BLUE
    }
  }

  @Test
  void anAnswerIsParsedIntoAClass() {
    Pet pet =
        client
            .chat()
            .completions()
            .create(chat().maxCompletionTokens(200).responseFormat(Pet.class).build())
            .choices()
            .getFirst()
            .message()
            .content()
            .orElseThrow();
    assertTrue(pet.name != null && pet.colour != null && pet.friends != null);
  }

  @Test
  void aSeedGivesTheSameAnswerAgain() {
    assertEquals(text(story()), text(story()));
    assertNotEquals(text(story()), text(story().seed(8)));
  }

  @Test
  void anAnswerEndsBeforeItsStopString() {
    String whole = text(story().maxTokens(60));
    String sentence = whole.substring(0, whole.indexOf('.'));
    assertEquals(sentence, text(story().maxTokens(60).stop(".")));
    assertEquals(sentence, text(story().maxTokens(60).stopOfStrings(List.of(".", "!"))));
  }

  @Test
  void whatIsWrongIsAnErrorOfItsOwnKind() {
    BadRequestException range =
        assertThrows(BadRequestException.class, () -> text(story().temperature(3)));
    assertEquals("temperature", range.param().orElseThrow());
    assertEquals("invalid_request_error", range.type().orElseThrow());
    assertEquals(1, range.headers().values("x-request-id").size());
    BadRequestException unknown =
        assertThrows(
            BadRequestException.class,
            () -> text(story().putAdditionalBodyProperty("no_such", JsonValue.from(1))));
    assertEquals("no_such", unknown.param().orElseThrow());
    OpenAIServiceException tooLong =
        assertThrows(BadRequestException.class, () -> text(story().maxTokens(200_000)));
    assertEquals("context_length_exceeded", tooLong.code().orElseThrow());
    OpenAIServiceException model =
        assertThrows(NotFoundException.class, () -> text(story().model("gpt-0")));
    assertEquals("model_not_found", model.code().orElseThrow());
    assertThrows(
        BadRequestException.class,
        () -> client.completions().createStreaming(story().temperature(3).build()).close());
  }

  @Test
  void anotherKeyIsRefused() {
    OpenAIClient stranger = lenient.withOptions(o -> o.apiKey("another-key"));
    UnauthorizedException error =
        assertThrows(UnauthorizedException.class, () -> stranger.models().list());
    assertEquals("invalid_api_key", error.code().orElseThrow());
  }

  @Test
  void theRequestIdIsReadAndChosen() {
    CompletionCreateParams own = story().putAdditionalHeader("X-Request-Id", "my-own-id").build();
    try (HttpResponseFor<Completion> raw = client.completions().withRawResponse().create(own)) {
      assertEquals("my-own-id", raw.requestId().orElseThrow());
      assertFalse(raw.headers().values("openai-processing-ms").isEmpty());
      assertFalse(raw.parse().choices().isEmpty());
    }
  }

  @Test
  void aStreamThatIsLeftFreesItsPlace() {
    try (StreamResponse<Completion> stream =
        lenient.completions().createStreaming(endless().build())) {
      Iterator<Completion> chunks = stream.stream().iterator();
      assertTrue(chunks.hasNext());
      assertEquals(1, SERVER.running());
    }
    SERVER.awaitIdle();
  }

  @Test
  void aRequestThatTimesOutFreesItsPlace() {
    OpenAIClient hasty = lenient.withOptions(o -> o.timeout(Duration.ofSeconds(1)).maxRetries(0));
    assertThrows(OpenAIIoException.class, () -> hasty.completions().create(endless().build()));
    SERVER.awaitIdle();
  }

  @Test
  void aRetryWaitsAsLongAsTheServerAsks() {
    CompletionCreateParams several =
        story().promptOfArrayOfStrings(Collections.nCopies(8, "A")).maxTokens(1).build();
    CompletionCreateParams full =
        endless().promptOfArrayOfStrings(Collections.nCopies(4, "A")).n(4).build();
    List<Duration> waits = new ArrayList<>();
    OpenAIClient hasty = lenient.withOptions(o -> o.maxRetries(0));
    try (StreamResponse<Completion> stream = lenient.completions().createStreaming(full)) {
      assertTrue(stream.stream().iterator().hasNext());
      RateLimitException refused =
          assertThrows(RateLimitException.class, () -> hasty.completions().create(several));
      assertEquals("rate_limit_exceeded", refused.code().orElseThrow());
      OpenAIClient patient = lenient.withOptions(o -> o.sleeper(new Leaving(stream, waits)));
      assertEquals(8, patient.completions().create(several).choices().size());
    }
    assertFalse(waits.isEmpty());
    for (Duration wait : waits) { // without Retry-After it would be half a second
      assertTrue(wait.toMillis() >= 1000 && wait.toMillis() <= 30_000, waits::toString);
    }
  }

  /**
   * What the client sleeps by: notes how long it would, and lets the stream that fills the queue
   * go.
   */
  private record Leaving(AutoCloseable full, List<Duration> waits) implements Sleeper {
    @Override
    public void sleep(Duration wait) {
      waits.add(wait);
      try {
        full.close();
      } catch (Exception e) {
        throw new AssertionError(e);
      }
      SERVER.awaitIdle();
    }

    @Override
    public CompletableFuture<Void> sleepAsync(Duration wait) {
      return CompletableFuture.runAsync(() -> sleep(wait));
    }

    @Override
    public void close() {}
  }
}
