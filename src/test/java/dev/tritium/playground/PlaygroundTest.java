package dev.tritium.playground;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tritium.testing.Api;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;

/** The page at {@code /}, in a browser, with the bundled model behind it. */
@QuarkusTest
class PlaygroundTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String NO_ENERGY = "null";

  /** Answers the page's requests with those given, in turn, and keeps what it sent. */
  private static final String FAKE_SERVER =
      """
      const answers = arguments[0];
      window.sent = [];
      window.fetch = async (url, {headers, body} = {}) => {
        window.sent.push({url, headers, body});
        const {status, retryAfter, pieces} = answers.shift();
        const stream = new ReadableStream({
          start(controller) {
            for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
            controller.close();
          }
        });
        return new Response(stream, {status, headers: {'Retry-After': retryAfter}});
      };
      """;

  private static Browser browser;

  @TestHTTPResource("/")
  URI uri;

  @TempDir Path folder;

  private Api api;

  @BeforeEach
  void openThePage() {
    api = Api.ready(uri);
    if (browser == null) {
      browser = Browser.start();
    }
    browser.show(1280, 900, false, "light");
    browser.driver().get(uri.toString());
    browser.run("sessionStorage.clear()");
    Api.await("the models are listed", PATIENCE, () -> !value("model").isEmpty());
  }

  @AfterEach
  void nothingIsLeftRunningAndTheConsoleIsEmpty() {
    if (browser != null) {
      Api.await("nothing runs", PATIENCE, () -> api.running() == 0);
      List<String> console =
          browser.console().stream()
              .filter(line -> !line.contains("the server responded with a status of"))
              .toList();
      assertEquals(List.of(), console);
    }
  }

  @AfterAll
  static void closeTheBrowser() {
    if (browser != null) {
      browser.close();
      browser = null;
    }
  }

  @Test
  void whatIsTypedIsContinuedAndMeasured() {
    String prompt = "Lily and Ben went to the big old tree";
    Object[] body = {"prompt", prompt, "max_tokens", 40, "temperature", 0.7, "seed", 5};
    String expected = api.ask("/v1/completions", body).at("/choices/0/text").textValue();
    type("max_tokens", "40");
    type("seed", "5");
    prompt(prompt, Keys.chord(Keys.CONTROL, Keys.ENTER));
    awaitEnd();
    assertEquals(expected, text(".answer"));
    assertEquals(prompt, text(".asked"));
    Map<String, String> figures = figures();
    assertTrue(figures.get("First token").matches("[0-9]+ ms"), figures::toString);
    assertTrue(Double.parseDouble(figures.get("Tokens per second")) > 0, figures::toString);
    assertEquals("40", figures.get("Tokens"));
    assertEquals("max tokens", figures.get("Ended by"));
    int prompted = api.tokenize(prompt).length;
    assertEquals(String.valueOf(prompted), figures.get("Prompt tokens"));
    assertTrue(Integer.parseInt(figures.get("of them cached")) > 0, figures::toString);
    assertTrue(figures.get("Energy").matches("[0-9.]+(e-[0-9]+)? J"), figures::toString);
    assertTrue(figures.get("Measured by").endsWith("ed"), "measured or estimated: " + figures);
    assertEquals("The answer is complete.", text("#state"));

    click("continue");
    awaitEnd();
    assertEquals(prompt + expected, text(".asked"));
    assertEquals(prompt + expected, value("prompt"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"button", "escape"})
  void aStoppedAnswerFreesItsPlace(String way) {
    type("max_tokens", "20000");
    fill("more", "{\"ignore_eos\": true}");
    prompt("A king", Keys.chord(Keys.CONTROL, Keys.ENTER));
    Api.await("it runs", PATIENCE, () -> api.running() == 1 && text(".answer").length() > 20);
    prompt("", Keys.chord(Keys.CONTROL, Keys.ENTER));
    assertEquals(1, api.running(), "one at a time");
    if (way.equals("button")) {
      click("stop");
    } else {
      prompt("", Keys.ESCAPE);
    }
    Api.await("its place is free", Duration.ofSeconds(2), () -> api.running() == 0);
    awaitEnd();
    assertEquals("you", figures().get("Ended by"));
    assertTrue(Integer.parseInt(figures().get("Tokens")) > 5, figures()::toString);
    assertEquals("Stopped.", text("#state"));
    assertFalse(element("problem").isDisplayed(), "to stop is no failure");
  }

  @ParameterizedTest
  @CsvSource({"completion, Once upon a time", "chat, A story about a dragon."})
  void eachTokenShowsItsAlternatives(String mode, String prompt) {
    boolean chat = mode.equals("chat");
    Map<String, Object> body = new HashMap<>(Map.of("max_tokens", 12, "temperature", 0));
    if (chat) {
      body.putAll(Map.of("messages", List.of(user(prompt)), "logprobs", true, "top_logprobs", 5));
    } else {
      body.putAll(Map.of("prompt", prompt, "logprobs", 5));
    }
    String path = chat ? "/v1/chat/completions" : "/v1/completions";
    JsonNode choice = api.post(path, Api.json(body)).json().at("/choices/0");
    JsonNode third = choice.at(chat ? "/logprobs/content/2/logprob" : "/logprobs/token_logprobs/2");
    JsonNode tokens = choice.at(chat ? "/logprobs/content" : "/logprobs/tokens");
    List<String> expected =
        tokens.valueStream().map(t -> (chat ? t.get("token") : t).textValue()).toList();

    mode(mode);
    click("tokens");
    type("max_tokens", "12");
    type("temperature", "0");
    prompt(prompt, Keys.chord(Keys.CONTROL, Keys.ENTER));
    awaitEnd();
    List<WebElement> shown = elements(".token");
    assertEquals(expected, shown.stream().map(t -> t.getDomProperty("textContent")).toList());
    assertEquals(1, elements(".token[tabindex='0']").size(), "Tab stops once");

    browser.run("arguments[0].focus()", shown.getFirst());
    shown.getFirst().sendKeys(Keys.ARROW_RIGHT);
    browser.driver().switchTo().activeElement().sendKeys(Keys.ARROW_RIGHT);
    assertEquals(shown.get(2), browser.driver().switchTo().activeElement());
    assertAlternatives(third.doubleValue(), expected.get(2));
    assertEquals("alternatives", shown.get(2).getDomAttribute("aria-describedby"));
    shown.get(2).sendKeys(Keys.ESCAPE);
    assertFalse(element("alternatives").isDisplayed());

    browser.run("document.activeElement.blur()");
    new Actions(browser.driver()).moveToElement(shown.get(1)).perform();
    assertTrue(element("alternatives").isDisplayed());
    new Actions(browser.driver()).moveToElement(shown.get(2)).perform();
    assertAlternatives(third.doubleValue(), expected.get(2));
    new Actions(browser.driver()).moveToElement(element("model")).perform();
    assertFalse(element("alternatives").isDisplayed());

    click("tokens");
    assertEquals(List.of(), elements(".token"));
    assertEquals(choice.at(chat ? "/message/content" : "/text").textValue(), text(".answer"));
  }

  private static void assertAlternatives(double logprob, String token) {
    assertTrue(element("alternatives").isDisplayed());
    assertEquals("ln p = %.3f".formatted(logprob), text("#alternatives p"));
    assertEquals(5, elements("#alternatives li").size()); // at temperature 0 it is the likeliest
    String first = text("#alternatives li.drawn:first-child");
    String name = token.replace(' ', '␣').replace('\n', '⏎');
    assertEquals("%s%.1f %%".formatted(name, 100 * Math.exp(logprob)), first);
  }

  @Test
  void aChatRemembersWhatWasSaid() {
    mode("chat");
    type("max_tokens", "15");
    type("seed", "3");
    fill("system", "A story.");
    List<Object> messages =
        new ArrayList<>(List.of(Map.of("role", "system", "content", "A story.")));
    for (String said : List.of("There was a little fox.", "The fox was hungry.")) {
      messages.add(user(said));
      Object[] body = {"messages", messages, "max_tokens", 15, "temperature", 0.7, "seed", 3};
      String expected =
          api.ask("/v1/chat/completions", body).at("/choices/0/message/content").textValue();
      messages.add(Map.of("role", "assistant", "content", expected));
      fill("prompt", said);
      click("run");
      awaitEnd();
      assertEquals(expected, elements(".answer").getLast().getDomProperty("textContent"));
      assertEquals("", value("prompt"), "ready for the next");
    }
    assertEquals(2, elements(".turn").size());
    click("clear");
    assertEquals(List.of(), elements(".turn"));
  }

  @Test
  void onlyWhatIsSetIsSent() {
    listen();
    for (String field : List.of("max_tokens", "temperature")) {
      type(field, "");
    }
    prompt("A", Keys.chord(Keys.CONTROL, Keys.ENTER));
    awaitEnd();
    assertEquals(Set.of("model", "prompt", "stream"), names(asked()));

    type("top_p", "0.9");
    type("top_k", "40");
    type("min_p", "0.01");
    type("repetition_penalty", "1.1");
    type("max_tokens", "3");
    type("temperature", "0");
    type("stop", "end\\n");
    fill("more", "{\"presence_penalty\": 0.5}");
    click("run");
    awaitEnd();
    JsonNode body = asked();
    assertEquals(0, body.get("temperature").intValue());
    assertEquals(40, body.get("top_k").intValue());
    assertEquals("end\n", body.get("stop").textValue());
    assertEquals(0.5, body.get("presence_penalty").doubleValue());
    assertEquals(11, body.size(), body::toString);
    assertFalse(element("problem").isDisplayed(), () -> text("#problem"));
  }

  @Test
  void aRefusalIsShownInTheServersWords() {
    String expected =
        api.post("/v1/completions", Api.body("prompt", "A", "temperature", 7))
            .json()
            .at("/error/message")
            .textValue();
    type("temperature", "7");
    click("run");
    awaitEnd();
    assertEquals(expected, text("#problem"));
    assertTrue(element("problem").isDisplayed());
    assertEquals("alert", element("problem").getAriaRole());

    type("temperature", "1");
    mode("chat");
    fill("more", "{\"n\": 1000}");
    fill("prompt", "Say that again");
    click("run");
    awaitEnd();
    assertTrue(text("#problem").contains("'n'"), text("#problem"));
    assertEquals("Say that again", value("prompt"), "it can be sent again");
    assertEquals(List.of(), elements(".turn"));
  }

  @Test
  void whatIsNoJsonIsNotSentAndPointedAt() {
    listen();
    for (String wrong : List.of("{", "[]", "null", "7")) {
      fill("more", wrong);
      browser.run("document.getElementById('settings').open = false");
      for (String button : List.of("run", "run")) {
        click(button);
      }
      assertTrue(element("more").isDisplayed(), "the settings open");
      assertEquals(element("more"), browser.driver().switchTo().activeElement(), wrong);
    }
    click("curl");
    assertFalse(element("snippet").isDisplayed());
    assertEquals(0L, browser.run("return window.sent.length"));
  }

  @Test
  void anAnswerIsReadRightHoweverItIsCut() {
    String stream =
        ": a comment\r\n\r\ndata: {\"é\": \"🎉\"}\n\nevent: x\ndata:one\ndata: two\r\r: ping\n\ndata: [DONE]\n\ndata: cut";
    int bytes = stream.getBytes(UTF_8).length;
    for (int cut = 0; cut <= bytes; cut++) {
      Object read =
          browser.await(
              """
              const [text, cut, done] = arguments;
              const bytes = new TextEncoder().encode(text);
              const body = new ReadableStream({
                start(controller) {
                  controller.enqueue(bytes.slice(0, cut));
                  controller.enqueue(bytes.slice(cut));
                  controller.close();
                }
              });
              import('/playground/sse.js').then(async ({events}) => {
                const all = [];
                for await (const data of events(body)) all.push(data);
                done(all);
              });
              """,
              stream,
              cut);
      assertEquals(List.of("{\"é\": \"🎉\"}", "one\ntwo", "[DONE]"), read, "cut at " + cut);
    }
  }

  @Test
  void joulesAreShownWhenTheServerCountsThem() {
    String energy =
        "{\"joules\": 12.345, \"source\": \"rapl\", \"quality\": \"measured\", \"joules_per_token\": 0.0617}";
    for (String counted : List.of(NO_ENERGY, energy)) {
      answerWith(answer(200, chunk("<b>bold</b>", counted), "data: [DONE]\n\n"));
      click("run");
      awaitEnd();
      Map<String, String> figures = figures();
      boolean known = counted.equals(energy);
      assertEquals(known ? "12.3 J" : null, figures.get("Energy"));
      assertEquals(known ? "0.062 J" : null, figures.get("per token"));
      assertEquals(known ? "rapl, measured" : null, figures.get("Measured by"));
    }
  }

  @Test
  void noTextBecomesHtml() {
    String html = "<img src=x onerror=alert(1)><b>";
    answerWith(answer(200, chunk(html, NO_ENERGY), "data: [DONE]\n\n"));
    fill("prompt", html);
    click("run");
    awaitEnd();
    assertEquals(html, text(".answer"));
    assertEquals(html, text(".asked"));
    assertEquals(List.of(), elements("#log img, #log b"));
    String tried =
        "try { document.body.innerHTML = '<b>'; return 'done' } catch (e) { return e.name }";
    assertEquals("TypeError", browser.run(tried), "the page may not either");
    assertTrue(browser.console().toString().contains("TrustedHTML"), "and the console says so");
  }

  @Test
  void failuresWithinAStreamAreShownToo() {
    String error = "data: {\"error\": {\"message\": \"The engine has stopped.\"}}\n\n";
    Map<String, String> expected =
        Map.of(
            chunk("Once", NO_ENERGY) + error,
            "The engine has stopped.",
            chunk("Once", NO_ENERGY),
            "The connection was lost before the answer was whole.");
    expected.forEach(
        (stream, message) -> {
          answerWith(answer(200, stream));
          click("run");
          awaitEnd();
          assertEquals(message, text("#problem"));
          assertEquals("Once", text(".answer"), "what had come stays");
        });
    answerWith(answer(502, "<html>"));
    click("run");
    awaitEnd();
    assertTrue(text("#problem").startsWith("The server answered 502"), text("#problem"));
  }

  @Test
  void theKeyGoesOutAsBearerAndStaysInTheTab() {
    answerWith(
        answer(401, "{\"error\": {\"message\": \"A key is needed.\"}}"),
        answer(503, "{\"error\": {\"message\": \"The model is still loading.\"}}"),
        answer(200, "{\"data\": [{\"id\": \"first\"}, {\"id\": \"second\"}]}"));
    element("key").sendKeys("wrong", Keys.TAB);
    Api.await("it is refused", PATIENCE, () -> text("#problem").equals("A key is needed."));
    element("key").clear();
    element("key").sendKeys("sk-secret", Keys.TAB);
    Api.await("it waits", PATIENCE, () -> text("#problem").equals("The model is still loading."));
    Api.await("it is listed", PATIENCE, () -> text("#model").equals("firstsecond"));
    assertFalse(element("problem").isDisplayed());
    assertEquals("Bearer sk-secret", sent("headers").get("Authorization").textValue());
    assertEquals("sk-secret", browser.run("return sessionStorage.getItem('tritium.key')"));
    assertEquals(0L, browser.run("return localStorage.length"));
    assertEquals("", browser.run("return document.cookie"));
    for (String snippet : List.of("curl", "python")) {
      assertFalse(snippet(snippet).contains("sk-secret"), "never written down");
      assertTrue(snippet(snippet).contains("TRITIUM_API_KEY"), snippet(snippet));
    }
    browser.driver().navigate().refresh();
    assertEquals("sk-secret", value("key"));
  }

  @Test
  void itOffersTheModelsThatAreReadyAndWaitsForOne() {
    answerWith(
        answer(200, "{\"data\": [{\"id\": \"first\", \"status\": \"loading\"}]}"),
        answer(
            200,
            "{\"data\": [{\"id\": \"first\", \"status\": \"loading\"}, "
                + "{\"id\": \"second\", \"status\": \"ready\"}]}"));
    element("key").sendKeys("sk", Keys.TAB);
    Api.await("it waits", PATIENCE, () -> text("#problem").equals("The model is still loading."));
    Api.await("it is listed", PATIENCE, () -> text("#model").equals("second"));
    assertFalse(element("problem").isDisplayed());
  }

  @Test
  void theCommandForAShellSendsTheSameRequest() throws Exception {
    JsonNode body = requestWithEverything();
    Path script = folder.resolve("script");
    Files.writeString(script, "curl() { printf '%s\\0' \"$@\"; }\n" + snippet("curl"));
    List<String> arguments = List.of(output("sh", script.toString()).split("\0"));
    assertEquals("-N", arguments.get(0));
    assertEquals(uri.resolve("/v1/completions").toString(), arguments.get(1));
    assertEquals("Content-Type: application/json", arguments.get(arguments.indexOf("-H") + 1));
    assertEquals(body, Api.JSON.readTree(arguments.get(arguments.indexOf("-d") + 1)));
  }

  @Test
  void theProgramForPythonSendsTheSameRequest() throws Exception {
    JsonNode body = requestWithEverything();
    Path script = folder.resolve("script.py");
    Files.writeString(script, snippet("python"));
    // Stands in for OpenAI's client: prints its arguments and answers with two chunks.
    Files.writeString(
        folder.resolve("openai.py"),
        """
        import json
        from types import SimpleNamespace as Any
        def create(**arguments):
            print(json.dumps(arguments))
            return [Any(choices=[Any(text="story")]), Any(choices=[])]
        def OpenAI(**arguments):
            print(json.dumps(arguments))
            return Any(completions=Any(create=create))
        """);
    List<String> lines = output("python3", script.toString()).lines().toList();
    JsonNode client = Api.JSON.readTree(lines.get(0));
    assertEquals(uri.resolve("/v1").toString(), client.get("base_url").textValue());
    ObjectNode arguments = (ObjectNode) Api.JSON.readTree(lines.get(1));
    ObjectNode extra = (ObjectNode) arguments.remove("extra_body");
    assertTrue(extra.has("top_k") && !extra.has("temperature"), extra::toString);
    assertEquals(body, arguments.setAll(extra));
    assertEquals("story", lines.get(2));
  }

  /** Sets what is hard to quote, and returns the body that the page sends for it. */
  private JsonNode requestWithEverything() {
    fill("prompt", "It's \"quoted\" $HOME `x` \\ 🎉\nand é");
    type("top_k", "40");
    type("max_tokens", "2");
    type("stop", "'\\n");
    click("tokens");
    fill("more", "{\"ignore_eos\": true, \"user\": null, \"logit_bias\": {\"5\": -1.5}}");
    listen();
    click("run");
    awaitEnd();
    assertFalse(element("problem").isDisplayed(), () -> text("#problem"));
    return asked();
  }

  @ParameterizedTest
  @CsvSource({"completion, light", "completion, dark", "chat, light"})
  void aPhoneNeedsNoSidewaysScrolling(String mode, String colors) {
    browser.show(360, 740, true, colors);
    browser.driver().navigate().refresh();
    Api.await("the models are listed", PATIENCE, () -> !value("model").isEmpty());
    mode(mode);
    click("tokens");
    type("max_tokens", "60");
    fill("prompt", "A".repeat(300));
    click("run");
    awaitEnd();
    browser.run("document.getElementById('settings').open = true");
    browser.run("document.querySelectorAll('.token')[20].focus()");
    assertEquals(360L, browser.run("return document.documentElement.scrollWidth"));
    assertEquals(
        true,
        browser.run(
            """
            const {left, right, top, bottom} = document.getElementById('alternatives').getBoundingClientRect();
            return left >= 0 && right <= 360 && top >= 0 && bottom <= 740;"""));
    snippet("python");
    assertEquals(360L, browser.run("return document.documentElement.scrollWidth"));
  }

  @Test
  void darkAndLightFollowTheReadersPreference() {
    String lightness =
        "return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)";
    List<?> light = (List<?>) browser.run(lightness);
    browser.show(1280, 900, false, "dark");
    List<?> dark = (List<?>) browser.run(lightness);
    assertTrue((long) light.getFirst() > 200 && (long) dark.getFirst() < 60, light + " " + dark);
  }

  @Test
  void everyControlHasANameAndCanBeReachedByKeyboard() {
    Set<String> names = new TreeSet<>();
    for (WebElement control : elements("input, textarea, select, button, summary, section, dl")) {
      if (control.isDisplayed() && !control.getDomProperty("clientHeight").equals("0")) {
        String name = control.getAccessibleName();
        assertNotEquals("", name, () -> control.getDomProperty("outerHTML"));
        names.add(name);
      }
    }
    assertTrue(
        names.containsAll(Set.of("Prompt", "Model", "Temperature", "API key")), names::toString);
    Set<String> reached = new TreeSet<>();
    element("prompt").sendKeys(Keys.TAB);
    for (int i = 0; i < 30; i++) {
      WebElement here = browser.driver().switchTo().activeElement();
      reached.add(here.getDomProperty("id") + here.getDomProperty("name"));
      new Actions(browser.driver()).sendKeys(Keys.TAB).perform();
    }
    assertTrue(
        reached.containsAll(
            Set.of("run", "clear", "tokens", "top_p", "more", "key", "curl", "python", "model")),
        reached::toString);
    assertTrue(reached.contains("mode"), reached::toString);
  }

  @Test
  void theFilesComeWithAStrictPolicy() throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      for (String path : List.of("/", "/index.html", "/playground/playground.js")) {
        HttpResponse<String> answer =
            client.send(HttpRequest.newBuilder(uri.resolve(path)).build(), BodyHandlers.ofString());
        assertEquals(200, answer.statusCode(), path);
        String policy = answer.headers().firstValue("Content-Security-Policy").orElseThrow();
        assertTrue(policy.startsWith("default-src 'none'; script-src 'self';"), policy);
        assertTrue(policy.contains("frame-ancestors 'none'"), policy);
        assertFalse(policy.contains("unsafe"), policy);
        assertEquals(
            "nosniff", answer.headers().firstValue("X-Content-Type-Options").orElseThrow());
        assertEquals("no-referrer", answer.headers().firstValue("Referrer-Policy").orElseThrow());
        assertEquals(List.of("no-cache"), answer.headers().allValues("Cache-Control"));
        assertFalse(answer.body().contains("://") && path.equals("/"), "nothing from elsewhere");
      }
    }
  }

  /** Pictures for the documentation: {@code -Dscreenshots=docs/images}. */
  @Test
  void thePageIsWorthAPicture() throws Exception {
    for (String colors : List.of("light", "dark")) {
      for (boolean phone : new boolean[] {false, true}) {
        browser.show(phone ? 390 : 1180, phone ? 844 : 920, phone, colors);
        browser.driver().navigate().refresh();
        Api.await("the models are listed", PATIENCE, () -> !value("model").isEmpty());
        type("seed", "11");
        type("max_tokens", "150");
        click("tokens");
        browser.run("document.getElementById('settings').open = !arguments[0]", phone);
        prompt("Once upon a time", Keys.chord(Keys.CONTROL, Keys.ENTER));
        awaitEnd();
        browser.run("scrollTo(0, 0); document.querySelectorAll('.token')[14].focus()");
        byte[] png = browser.screenshot();
        assertTrue(png.length > 10_000, "an empty page? " + png.length + " bytes");
        String into = System.getProperty("screenshots");
        if (into != null) {
          Path file = Path.of(into, "playground-%s%s.png".formatted(phone ? "phone-" : "", colors));
          Files.createDirectories(file.getParent());
          Files.write(file, png);
        }
      }
    }
  }

  private static Map<String, String> user(String content) {
    return Map.of("role", "user", "content", content);
  }

  private static WebElement element(String id) {
    return browser.driver().findElement(By.id(id));
  }

  private static List<WebElement> elements(String selector) {
    return browser.driver().findElements(By.cssSelector(selector));
  }

  /** As it stands in the page, also where nothing is seen of it. */
  private static String text(String selector) {
    Object text =
        browser.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector);
    return (String) text;
  }

  private static String value(String id) {
    return (String) browser.run("return document.getElementById(arguments[0]).value", id);
  }

  private static void click(String id) {
    element(id).click();
  }

  private static void mode(String mode) {
    browser.driver().findElement(By.xpath("//label[input[@value='%s']]".formatted(mode))).click();
  }

  /** Types into a setting, in place of what it has. */
  private static void type(String name, String text) {
    browser.run("document.getElementById('settings').open = true");
    replace(browser.driver().findElement(By.name(name)), text);
  }

  private static void replace(WebElement field, String text) {
    field.sendKeys(Keys.chord(Keys.CONTROL, "a"), Keys.DELETE, text);
  }

  /** The same at once, and for what a keyboard does not have. */
  private static void fill(String id, String text) {
    browser.run(
        """
        const field = document.getElementById(arguments[0]);
        field.value = arguments[1];
        field.dispatchEvent(new Event('input'));""",
        id,
        text);
  }

  /** Types a prompt in place of the last one, then presses keys. */
  private static void prompt(String text, String keys) {
    replace(element("prompt"), text);
    element("prompt").sendKeys(keys);
  }

  private static void prompt(String text, Keys key) {
    prompt(text, key.toString());
  }

  private static void awaitEnd() {
    try {
      Api.await(
          "it ends", PATIENCE, () -> "true".equals(element("stop").getDomProperty("disabled")));
    } catch (AssertionError e) {
      throw new AssertionError(text("#log") + text("#figures") + text("#problem"), e);
    }
  }

  private static Map<String, String> figures() {
    return elements("#figures div").stream()
        .collect(
            Collectors.toMap(
                pair -> pair.findElement(By.tagName("dt")).getText(),
                pair -> pair.findElement(By.tagName("dd")).getText()));
  }

  /** Opens one of the two dialogs, reads it and closes it. */
  private static String snippet(String button) {
    browser.run("document.getElementById('settings').open = true");
    click(button);
    String text = (String) browser.run("return document.getElementById('code').textContent");
    assertTrue(element("snippet").isDisplayed());
    click("copy");
    Api.await("it is copied or marked", PATIENCE, () -> !element("copy").getText().equals("Copy"));
    assertEquals(text.strip(), ((String) browser.run("return String(getSelection())")).strip());
    click("close");
    return text;
  }

  /** Keeps what the page sends from now on. */
  private static void listen() {
    browser.run(
        """
        const real = window.fetch;
        window.sent = [];
        window.fetch = (url, options) => {
          window.sent.push(options);
          return real(url, options);
        };""");
  }

  /** Of the last request: its body, or its headers. */
  private static JsonNode sent(String what) {
    String json =
        (String)
            browser.run(
                "const s = window.sent.at(-1)[arguments[0]]; return typeof s === 'string' ? s : JSON.stringify(s)",
                what);
    try {
      return Api.JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError(json, e);
    }
  }

  /** The body of the last request, less what is in all of them for the figures. */
  private static JsonNode asked() {
    ObjectNode body = (ObjectNode) sent("body");
    assertTrue(body.remove("timings_per_token").booleanValue());
    assertEquals(2, body.remove("stream_options").size());
    return body;
  }

  private static Set<String> names(JsonNode object) {
    return object.propertyStream().map(Map.Entry::getKey).collect(Collectors.toSet());
  }

  private static void answerWith(Object... answers) {
    browser.run(FAKE_SERVER, Arrays.asList(answers));
  }

  private static Map<String, Object> answer(int status, String... pieces) {
    return Map.of(
        "status", status, "retryAfter", status == 503 ? "1" : "0", "pieces", List.of(pieces));
  }

  private static String chunk(String text, String energy) {
    String json =
        """
        {"choices": [{"index": 0, "text": %s, "logprobs": null, "finish_reason": "stop"}], "usage":
         {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0}, "energy": %s}}"""
            .formatted(Api.json(text), energy);
    return "data: " + json.replace("\n", "") + "\n\n";
  }

  private static String output(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), output);
    assertEquals(0, process.exitValue(), output);
    return output;
  }
}
