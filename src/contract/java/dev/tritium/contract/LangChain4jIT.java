package dev.tritium.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.AuthenticationException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.catalog.ModelDescription;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.request.json.JsonStringSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiChatModel.OpenAiChatModelBuilder;
import dev.langchain4j.model.openai.OpenAiLanguageModel;
import dev.langchain4j.model.openai.OpenAiModelCatalog;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import dev.tritium.testing.Api;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** LangChain4j's OpenAI module. */
class LangChain4jIT {
  @RegisterExtension static final ContractServer SERVER = new ContractServer();

  private static final String QUESTION = "Tell me of a cat.";

  private static OpenAiChatModelBuilder model() {
    return OpenAiChatModel.builder()
        .baseUrl(SERVER.baseUrl())
        .apiKey(ContractServer.KEY)
        .modelName(ContractServer.MODEL)
        .seed(7)
        .maxCompletionTokens(16);
  }

  private static OpenAiStreamingChatModel streaming(int tokens) {
    return OpenAiStreamingChatModel.builder()
        .baseUrl(SERVER.baseUrl())
        .apiKey(ContractServer.KEY)
        .modelName(ContractServer.MODEL)
        .seed(7)
        .maxCompletionTokens(tokens)
        .build();
  }

  @Test
  void modelsAreListed() {
    OpenAiModelCatalog catalog =
        OpenAiModelCatalog.builder().baseUrl(SERVER.baseUrl()).apiKey(ContractServer.KEY).build();
    assertEquals(
        List.of(ContractServer.MODEL),
        catalog.listModels().stream().map(ModelDescription::name).toList());
  }

  @Test
  void aCompletion() {
    OpenAiLanguageModel model =
        OpenAiLanguageModel.builder()
            .baseUrl(SERVER.baseUrl())
            .apiKey(ContractServer.KEY)
            .modelName(ContractServer.MODEL)
            .build();
    assertFalse(model.generate("Once upon a time").content().isEmpty());
  }

  @Test
  void aChatAnswerSaysWhatItUsed() {
    ChatResponse answer =
        model()
            .build()
            .chat(
                SystemMessage.from("Be kind."),
                UserMessage.from(QUESTION),
                AiMessage.from("There was a cat."),
                UserMessage.from("Go on."));
    assertFalse(answer.aiMessage().text().isEmpty());
    assertEquals(ContractServer.MODEL, answer.metadata().modelName());
    assertEquals(FinishReason.LENGTH, answer.metadata().finishReason());
    assertEquals(16, answer.metadata().tokenUsage().outputTokenCount());
  }

  @Test
  void aStreamedAnswerIsThePlainOneInPieces() throws Exception {
    StringBuilder pieces = new StringBuilder();
    CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
    streaming(16)
        .chat(
            QUESTION,
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String piece) {
                pieces.append(piece);
              }

              @Override
              public void onCompleteResponse(ChatResponse answer) {
                whole.complete(answer);
              }

              @Override
              public void onError(Throwable error) {
                whole.completeExceptionally(error);
              }
            });
    ChatResponse answer = whole.get(60, TimeUnit.SECONDS);
    assertEquals(model().build().chat(QUESTION), pieces.toString());
    assertEquals(pieces.toString(), answer.aiMessage().text());
    assertEquals(FinishReason.LENGTH, answer.metadata().finishReason());
    assertEquals(16, answer.metadata().tokenUsage().outputTokenCount());
  }

  @Test
  void aStreamThatIsCancelledFreesItsPlace() throws Exception {
    CompletableFuture<Double> running = new CompletableFuture<>();
    streaming(50_000)
        .chat(
            QUESTION,
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
                if (!running.isDone()) {
                  running.complete(SERVER.running());
                }
                context.streamingHandle().cancel();
              }

              @Override
              public void onCompleteResponse(ChatResponse answer) {
                running.completeExceptionally(new AssertionError("not cancelled: " + answer));
              }

              @Override
              public void onError(Throwable error) {
                running.completeExceptionally(error);
              }
            });
    assertEquals(1, running.get(60, TimeUnit.SECONDS));
    SERVER.awaitIdle();
  }

  @Test
  void anAnswerIsHeldToAJsonSchema() throws Exception {
    JsonObjectSchema pet =
        JsonObjectSchema.builder()
            .addProperty(
                "name", JsonStringSchema.builder().description("what it is called").build())
            .addProperty("age", JsonIntegerSchema.builder().build())
            .addProperty("colour", JsonEnumSchema.builder().enumValues("red", "blue").build())
            .required("name", "age", "colour")
            .build();
    ResponseFormat format =
        ResponseFormat.builder()
            .type(ResponseFormatType.JSON)
            .jsonSchema(JsonSchema.builder().name("pet").rootElement(pet).build())
            .build();
    for (boolean strict : new boolean[] {false, true}) {
      ChatResponse answer =
          model()
              .strictJsonSchema(strict)
              .maxCompletionTokens(200)
              .build()
              .chat(
                  ChatRequest.builder()
                      .messages(UserMessage.from(QUESTION))
                      .responseFormat(format)
                      .build());
      JsonNode parsed = Api.JSON.readTree(answer.aiMessage().text());
      assertTrue(parsed.get("name").isTextual() && parsed.get("age").isNumber(), parsed::toString);
      assertTrue(List.of("red", "blue").contains(parsed.get("colour").textValue()));
    }
  }

  @Test
  void settingsReachTheServer() {
    String whole = model().maxCompletionTokens(60).build().chat(QUESTION);
    String sentence = model().maxCompletionTokens(60).stop(List.of(".")).build().chat(QUESTION);
    assertEquals(whole.substring(0, whole.indexOf('.')), sentence);
    String cold =
        model()
            .temperature(1.0)
            .topP(0.9)
            .frequencyPenalty(0.1)
            .presencePenalty(0.1)
            .user("ann")
            .customParameters(Map.of("top_k", 1))
            .build()
            .chat(QUESTION);
    assertFalse(cold.isEmpty());
  }

  @Test
  void whatIsWrongIsAnErrorOfItsOwnKind() {
    assertThrows(
        InvalidRequestException.class, () -> model().temperature(3.0).build().chat(QUESTION));
    assertThrows(
        ModelNotFoundException.class, () -> model().modelName("gpt-0").build().chat(QUESTION));
    assertThrows(
        AuthenticationException.class, () -> model().apiKey("another-key").build().chat(QUESTION));
  }

  @Test
  void aRequestThatTimesOutFreesItsPlace() {
    OpenAiChatModel hasty =
        model()
            .timeout(Duration.ofSeconds(1))
            .maxRetries(0)
            .maxCompletionTokens(50_000)
            .customParameters(Map.of("ignore_eos", true))
            .build();
    assertThrows(TimeoutException.class, () -> hasty.chat(QUESTION));
    SERVER.awaitIdle();
  }
}
